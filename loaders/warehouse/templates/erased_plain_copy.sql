-- Grain: one row per row of {schema}.{table} of the snapshot that is written again, as it is.
create table snapshot."{schema}"."{table}" as
from previous."{schema}"."{table}";
