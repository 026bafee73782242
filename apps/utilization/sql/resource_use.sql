-- How far resources that are measured as a whole were used on each day; partitioned by month like the other facts.
CREATE TABLE utilization_resource_use (
    device_id bigint NOT NULL,
    day date NOT NULL,
    weight numeric(24, 9) NOT NULL,
    used numeric(24, 9) NOT NULL,
    cpu_used numeric(24, 9) NOT NULL,
    idle_minutes real NOT NULL,
    PRIMARY KEY (device_id, day)
) PARTITION BY RANGE (day)
