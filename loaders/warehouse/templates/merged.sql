-- Grain: one row per touched record and kind of export ({key}, profile and block): the newest version by the record's
-- own time, else the export's. Load time plays no part, so the order in which files arrive does not matter; equal times are
-- settled by content.
create temp table merged_{table} as
with
versions as (
    {versions}
),
ranked as (
    select
        *,
        row_number() over (
            partition by store, system, {key}, profile, block
            order by
                coalesce(modified_at, exported_at) desc nulls last,
                {content} desc,
                source_file,
                source_sheet,
                source_line
        ) as nth
    from versions
)
select * exclude (nth), count(*) over (partition by store, system, {key}) = 1 as is_only_version
from ranked
where nth = 1;
