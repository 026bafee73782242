-- How each GPU of `rolled_day` was held on its days, from its hours and its tenants.
ANALYZE rolled_day;

DROP TABLE IF EXISTS rolled_part, rolled_hour;

-- what is known of one part of a card changes what is left for nobody
CREATE TEMPORARY TABLE rolled_part ON COMMIT DROP AS
SELECT DISTINCT part.id AS device_id, part.card_id, part.slices, r.day
FROM rolled_day r
JOIN utilization_device told ON told.id = r.device_id
JOIN utilization_device part ON coalesce(part.card_id, part.id) = coalesce(told.card_id, told.id);

ANALYZE rolled_part;

DELETE FROM utilization_use u USING rolled_part r WHERE u.device_id = r.device_id AND u.day = r.day;

CREATE TEMPORARY TABLE rolled_hour ON COMMIT DROP AS
WITH seen AS (
    SELECT
        r.device_id, r.card_id, r.slices, r.day, h.hour, h.minutes::numeric AS minutes,
        least(h.average, 1)::numeric AS busy, h.p95 < %(idle_below)s AS is_idle
    FROM rolled_part r
    JOIN utilization_hour h
        ON h.device_id = r.device_id AND h.metric = %(gpu)s AND h.hour >= r.day AND h.hour < r.day + 1
), cut AS (
    SELECT card_id, day, hour, max(minutes) AS minutes, sum(slices) AS slices
    FROM seen
    WHERE card_id IS NOT NULL
    GROUP BY 1, 2, 3
)
SELECT
    seen.device_id, seen.day, seen.hour, seen.minutes, seen.busy, seen.is_idle, true AS can_be_held,
    round(seen.minutes * seen.slices / greatest(cut.slices, 1), 9) AS weight
FROM seen
LEFT JOIN cut ON cut.card_id = seen.card_id AND cut.hour = seen.hour
-- a card that is cut into slices is no device besides them
WHERE NOT EXISTS (SELECT FROM cut WHERE cut.card_id = seen.device_id AND cut.hour = seen.hour)
UNION ALL
-- what is left of a card beside its slices is nobody's
SELECT card_id, day, hour, 0, 0, false, false, round(minutes * (1 - slices), 9)
FROM cut
WHERE slices < 1;

ANALYZE rolled_hour;

INSERT INTO utilization_use (device_id, day, pod_id, weight, used, minutes, idle_minutes)
WITH taken AS (
    SELECT
        h.*, t.pod_id, t.minutes::numeric * t.share AS took,
        sum(t.minutes::numeric * t.share) OVER hour AS all_took,
        sum(t.minutes::numeric * t.share) OVER (hour ORDER BY t.pod_id) AS took_so_far
    FROM rolled_hour h
    JOIN utilization_tenancy t ON t.device_id = h.device_id AND t.hour = h.hour
    WHERE h.can_be_held AND t.minutes > 0 AND t.share > 0
    WINDOW hour AS (PARTITION BY h.device_id, h.hour)
), held AS (
    -- thirds of an hour do not add up to one in decimals: from 99.9 percent on it is held whole
    SELECT *, CASE WHEN all_took >= 0.999 * minutes THEN all_took ELSE minutes END AS whole FROM taken
), shared AS (
    SELECT
        *, minutes * took / whole AS minutes_held,
        round(weight * took_so_far / whole, 9) - round(weight * (took_so_far - took) / whole, 9) AS weight_held
    FROM held
), told AS (
    -- what was computed was computed by those who held it, as far as they had the time
    SELECT
        device_id, day, hour, pod_id, is_idle, minutes_held AS minutes, weight_held AS weight,
        round(weight_held * least(1, busy * whole / all_took), 9) AS used
    FROM shared
), told_of_hour AS (
    SELECT device_id, hour, sum(minutes) AS minutes, sum(weight) AS weight, sum(used) AS used FROM told GROUP BY 1, 2
), left_over AS (
    SELECT
        h.device_id, h.day, h.hour, 0 AS pod_id, h.is_idle, h.minutes - coalesce(t.minutes, 0) AS minutes,
        h.weight - coalesce(t.weight, 0) AS weight,
        greatest(round(h.weight * h.busy, 9) - coalesce(t.used, 0), 0) AS used
    FROM rolled_hour h
    LEFT JOIN told_of_hour t ON t.device_id = h.device_id AND t.hour = h.hour
    WHERE h.weight > coalesce(t.weight, 0)
)
SELECT
    device_id, day, pod_id, sum(weight), sum(least(used, weight)), sum(minutes),
    coalesce(sum(minutes) FILTER (WHERE is_idle), 0)
FROM (SELECT * FROM told UNION ALL SELECT * FROM left_over) part
GROUP BY 1, 2, 3
ORDER BY 2, 1, 3
