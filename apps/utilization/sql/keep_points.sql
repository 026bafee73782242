-- Staged points are kept; of the same moment the newer value counts.
INSERT INTO utilization_pushedpoint AS p (device_id, metric, at, value)
SELECT n.device_id, s.metric, s.at, s.value
FROM staged_point s
JOIN named_device n USING (device_no)
ORDER BY 1, 2, 3
ON CONFLICT (device_id, metric, at) DO UPDATE SET value = excluded.value WHERE p.value <> excluded.value
