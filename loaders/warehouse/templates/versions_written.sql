-- Grain: one row per version of a touched record of {table}.
select * exclude (is_only_version) from snapshot.canonical.{table} semi join touched_{table} using (store, system, {key})
