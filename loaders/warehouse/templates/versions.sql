-- Grain: one row per record and kind of export ({key} and block): the newest version by the record's own time, else the export's.
-- Load time plays no part, so the order in which files arrive does not matter; equal times are settled by content.
create table canonical.{table} as
with
versions as (
    {versions}
),
ranked as (
    select
        *,
        row_number() over (
            partition by store, system, {key}, profile, block
            order by coalesce(modified_at, exported_at) desc nulls last, content_hash desc, source_file, source_line
        ) as nth
    from versions
)
select * exclude (nth) from ranked where nth = 1 order by store, system, {key}, block;
