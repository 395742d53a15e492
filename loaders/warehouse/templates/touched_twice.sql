-- Grain: one row per record of {table} that has several versions.
create temp table touched_{table} as
select store, system, {key} from snapshot.canonical.{table} group by all having count(*) > 1;
