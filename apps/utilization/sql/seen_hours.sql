-- Hours of %(devices)s as %(teams)s see them: of %(owned)s all, of others those in which their pods had part of it.
SELECT h.device_id, h.metric, h.hour, h.signal, h.minutes, h.average, h.p95, h.maximum
FROM utilization_hour h
WHERE h.hour >= %(first)s AND h.hour < %(end)s AND h.metric = ANY(%(metrics)s) AND h.device_id = ANY(%(devices)s)
    AND (
        h.device_id = ANY(%(owned)s)
        OR EXISTS (
            SELECT FROM utilization_tenancy t
            JOIN clusters_pod p ON p.id = t.pod_id
            WHERE t.device_id = h.device_id AND t.hour = h.hour AND t.minutes > 0 AND t.share > 0
                AND p.team = ANY(%(teams)s)
                -- said again, since the tenants of whole months are read otherwise
                AND t.hour >= %(first)s AND t.hour < %(end)s AND t.device_id = ANY(%(devices)s)
        )
    )
