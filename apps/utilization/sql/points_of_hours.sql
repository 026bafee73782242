-- All points that were ever pushed for the hours of the staged ones.
SELECT d.resource_id, d.device, p.metric, p.at, p.value
FROM (
    SELECT DISTINCT n.device_id, s.metric, date_trunc('hour', s.at, 'UTC') AS hour
    FROM staged_point s
    JOIN named_device n USING (device_no)
) touched
JOIN utilization_device d ON d.id = touched.device_id
JOIN utilization_pushedpoint p
    ON p.device_id = touched.device_id AND p.metric = touched.metric
    AND p.at >= touched.hour AND p.at < touched.hour + interval '1 hour'
ORDER BY p.device_id, p.metric, p.at
