-- Facts of utilisation, partitioned by calendar month (UTC); partitions are made when a month first comes, and dropped
-- when it is older than is kept. Single precision is finer than any exporter measures.

CREATE TABLE utilization_hour (
    device_id bigint NOT NULL,
    metric smallint NOT NULL,
    hour timestamptz NOT NULL,
    delivery_id bigint NOT NULL,
    signal text NOT NULL,
    minutes real NOT NULL,
    average real NOT NULL,
    p95 real NOT NULL,
    maximum real NOT NULL,
    points real[],  -- 12 five-minute means
    peaks real[],   -- and maxima
    PRIMARY KEY (device_id, metric, hour)
) PARTITION BY RANGE (hour);

CREATE TABLE utilization_day (
    device_id bigint NOT NULL,
    metric smallint NOT NULL,
    day date NOT NULL,
    signal text NOT NULL,
    minutes real NOT NULL,
    average real NOT NULL,
    p95 real NOT NULL,
    maximum real NOT NULL,
    PRIMARY KEY (device_id, metric, day)
) PARTITION BY RANGE (day);

CREATE TABLE utilization_tenancy (
    device_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    pod_id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    minutes real NOT NULL,
    share numeric(19, 18) NOT NULL,
    PRIMARY KEY (device_id, hour, pod_id)
) PARTITION BY RANGE (hour);

CREATE TABLE utilization_use (
    device_id bigint NOT NULL,
    day date NOT NULL,
    pod_id bigint NOT NULL,
    weight numeric(24, 9) NOT NULL,
    used numeric(24, 9) NOT NULL,
    minutes real NOT NULL,
    idle_minutes real NOT NULL,
    PRIMARY KEY (device_id, day, pod_id)
) PARTITION BY RANGE (day);
