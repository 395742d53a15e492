-- Grain: one row per record of {table} that no export says is deleted; one kind of export tells all of each.
create temp {kind} {name} as
select * exclude (is_only_version) from snapshot.canonical.{table} where not is_deleted;
