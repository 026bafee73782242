-- Staged hours become facts; `rolled_day` says of which devices and days.
INSERT INTO utilization_hour AS h (
    device_id, metric, hour, delivery_id, signal, minutes, average, p95, maximum, points, peaks
)
SELECT DISTINCT ON (n.device_id, s.metric, s.hour)
    n.device_id, s.metric, s.hour, %(delivery_id)s, s.signal, s.minutes, s.average, s.p95, s.maximum, s.points, s.peaks
FROM staged_hour s
JOIN named_device n USING (device_no)
ORDER BY n.device_id, s.metric, s.hour, s.place DESC
ON CONFLICT (device_id, metric, hour) DO UPDATE
SET (delivery_id, signal, minutes, average, p95, maximum, points, peaks)
    = ROW(excluded.delivery_id, excluded.signal, excluded.minutes, excluded.average, excluded.p95, excluded.maximum,
          excluded.points, excluded.peaks)
WHERE h.delivery_id <= excluded.delivery_id
  AND (h.delivery_id, h.signal, h.minutes, h.average, h.p95, h.maximum, h.points, h.peaks) IS DISTINCT FROM
      (excluded.delivery_id, excluded.signal, excluded.minutes, excluded.average, excluded.p95, excluded.maximum,
       excluded.points, excluded.peaks);

UPDATE utilization_device d
SET first_hour = least(d.first_hour, s.first_hour), last_hour = greatest(d.last_hour, s.last_hour)
FROM (
    SELECT n.device_id, min(hour) AS first_hour, max(hour) AS last_hour
    FROM staged_hour
    JOIN named_device n USING (device_no)
    GROUP BY 1
) s
WHERE d.id = s.device_id
  AND (s.first_hour < coalesce(d.first_hour, 'infinity') OR s.last_hour > coalesce(d.last_hour, '-infinity'));

DROP TABLE IF EXISTS rolled_day;

CREATE TEMPORARY TABLE rolled_day ON COMMIT DROP AS
SELECT DISTINCT n.device_id, (s.hour AT TIME ZONE 'UTC')::date AS day
FROM staged_hour s
JOIN named_device n USING (device_no)
