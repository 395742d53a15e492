-- Grain: one row per store, system and word by which a record names a lead source.
-- A word that is an id in the CRM's own list of sources stands for that list's name; settings may say what a name means.
create temp table source_ref as
with
named as (
    select store, system, source as ref, source_group, 'lead' as kind, count(*) as uses
    from record_lead
    where source is not null
    group by all
    union all
    select store, system, source, null, 'spend', count(*)
    from record_spend
    group by all
    union all
    select store, system, source, null, 'report', count(*)
    from record_crm_report
    group by all
),
resolved as (
    select
        n.store,
        n.system,
        n.ref,
        n.kind,
        n.uses,
        trim(regexp_replace(coalesce(l.name, n.ref), '\s+', ' ', 'g')) as spelling,
        coalesce(l.name, n.ref) as written,
        coalesce(g.name, n.source_group, l.source_group) as source_group
    from named as n
    left join record_source as l
        on l.store = n.store and l.system = n.system and l.source_id = n.ref
    left join record_source as g
        on g.store = n.store and g.system = n.system and g.source_id = n.source_group
),
final as (
    select
        r.* exclude (written),
        m.source is not null as is_mapped,
        coalesce(m.source, r.spelling) as name,
        m.source_group as mapped_group,
        m.channel as mapped_channel,
        key3('source', word_key(coalesce(m.source, r.spelling)), '') as source_key
    from resolved as r
    left join setting_source as m on m.spelling = r.written
)
select * from final;

-- Grain: one row per lead source and way in which files write it: by how many leads, spend entries and figures of CRM reports.
create table bridge_source_spelling as
select
    source_key,
    spelling,
    is_mapped,
    cast(coalesce(sum(uses) filter (kind = 'lead'), 0) as bigint) as lead_count,
    cast(coalesce(sum(uses) filter (kind = 'spend'), 0) as bigint) as spend_count,
    cast(coalesce(sum(uses) filter (kind = 'report'), 0) as bigint) as report_count
from source_ref
group by source_key, spelling, is_mapped
order by source_key, spelling;

-- Grain: one row per lead source, "(no source)" and "(no lead)".
create table dim_source as
with
spellings as (
    select source_key, name, sum(uses) as uses from source_ref group by all
),
groups as (
    select source_key, source_group, sum(uses) as uses
    from source_ref
    where source_group is not null
    group by all
),
mapped as (
    select source_key, bool_or(is_mapped) as is_mapped, max(mapped_group) as source_group, max(mapped_channel) as channel
    from source_ref
    group by source_key
),
free as (
    select key3('source', word_key(source), '') as source_key, source as name, 0 as uses
    from setting_free_source
    where key3('source', word_key(source), '') not in (select source_key from source_ref)
),
labels as (
    select source_key, trim(regexp_replace(first(name order by uses desc, name), '\s+', ' ', 'g')) as source
    from (select * from spellings union all select * from free)
    group by source_key
),
group_labels as (
    select source_key, first(source_group order by uses desc, source_group) as source_group
    from groups
    group by source_key
),
final as (
    select
        source_key,
        source,
        coalesce(m.source_group, g.source_group, '(no group)') as source_group,
        coalesce(m.channel, '(no channel)') as channel,
        coalesce(m.is_mapped, false) as is_mapped
    from labels
    left join group_labels as g using (source_key)
    left join mapped as m using (source_key)
    union all
    select 'no_source', '(no source)', '(no group)', '(no channel)', false
    union all
    select 'no_lead', '(no lead)', '(no lead)', '(no lead)', false
)
select * from final order by source, source_key;
