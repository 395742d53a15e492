-- Grain: one row per store, system and word by which a record names a lead source.
-- A word that is an id in the CRM's own list of sources stands for that list's name.
create temp table source_ref as
with
named as (
    select store, system, source as ref, source_group from record_lead where source is not null
    union all
    select store, system, source, null from record_spend
    union all
    select store, system, source, null from record_crm_report
),
resolved as (
    select
        n.store,
        n.system,
        n.ref,
        coalesce(l.name, n.ref) as name,
        coalesce(n.source_group, l.source_group) as source_group,
        count(*) as uses
    from named as n
    left join record_source as l
        on l.store = n.store and l.system = n.system and l.source_id = n.ref
    group by all
),
final as (
    select *, key3('source', word_key(name), '') as source_key from resolved
)
select * from final;

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
    select source_key, source, coalesce(source_group, '(no group)') as source_group
    from labels
    left join group_labels using (source_key)
    union all
    select 'no_source', '(no source)', '(no group)'
    union all
    select 'no_lead', '(no lead)', '(no lead)'
)
select * from final order by source, source_key;
