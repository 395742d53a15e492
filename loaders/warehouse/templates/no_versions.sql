-- Grain: one row per version of a record of {table}: neither the files nor an earlier snapshot know of any.
create table snapshot.canonical.{table} ({columns}, is_only_version boolean);
