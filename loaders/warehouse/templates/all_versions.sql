-- Grain: one row per version of a record of {table}: every one that the files bring or the earlier snapshot holds.
create table snapshot.canonical.{table} as
select * exclude (file_number), true as is_only_version from incoming_{table}
{held};
