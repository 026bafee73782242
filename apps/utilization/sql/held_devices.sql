-- Devices that pods of these teams held.
SELECT u.device_id
FROM utilization_use u
JOIN clusters_pod p ON p.id = u.pod_id
WHERE p.team = ANY(%s)
