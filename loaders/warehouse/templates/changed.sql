-- Grain: one row per touched record of {table} of which anything is new, be it only where it was read.
create temp table changed_{table} as
with
held as (
    select {columns} from snapshot.canonical.{table} semi join touched_{table} using (store, system, {key})
),
now as (
    select {columns} from merged_{table}
),
differing as (
    (select * from held except select * from now)
    union all
    (select * from now except select * from held)
)
select distinct store, system, {key} from differing;

-- Grain: one row per version that says anything else than before, or is gone, or was not there.
create temp table said_anew_{table} as
with
held as (
    select store, system, {key}, profile, block, {content} as content
    from snapshot.canonical.{table} semi join changed_{table} using (store, system, {key})
),
now as (
    select store, system, {key}, profile, block, {content} as content
    from merged_{table} semi join changed_{table} using (store, system, {key})
)
(select * from held except select * from now)
union all
(select * from now except select * from held);
