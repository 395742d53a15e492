-- Grain: one row per opportunity, attribution rule (first, last, even) and source; weights of one opportunity and rule sum to 1.
create table bridge_opportunity_source as
with
leads as (
    select opportunity_key, source_key, created_at, lead_key
    from fct_lead
),
credited as (
    select opportunity_key, 'first' as attribution, source_key, cast(1 as double) as weight from fct_opportunity
    union all
    select
        opportunity_key,
        'last',
        arg_max(source_key, struct_pack(moment := created_at, key := lead_key)),
        1
    from leads
    group by opportunity_key
    union all
    select
        opportunity_key,
        'even',
        source_key,
        count(*) / sum(count(*)) over (partition by opportunity_key)
    from leads
    group by opportunity_key, source_key
)
select * from credited order by opportunity_key, attribution, source_key;
