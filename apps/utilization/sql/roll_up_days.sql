-- Days from their hours, for the devices and days in `rolled_day`.
ANALYZE rolled_day;

DELETE FROM utilization_day d USING rolled_day r WHERE d.device_id = r.device_id AND d.day = r.day;

INSERT INTO utilization_day (device_id, metric, day, signal, minutes, average, p95, maximum)
SELECT
    h.device_id, h.metric, r.day, min(h.signal), sum(h.minutes), sum(h.average * h.minutes) / sum(h.minutes),
    percentile_disc(0.95) WITHIN GROUP (ORDER BY h.p95), max(h.maximum)
FROM rolled_day r
JOIN utilization_hour h ON h.device_id = r.device_id AND h.hour >= r.day AND h.hour < r.day + 1
GROUP BY 1, 2, 3
ORDER BY 2, 3, 1
