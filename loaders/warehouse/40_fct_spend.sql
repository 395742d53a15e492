-- Grain: one row per spend entry and day it covers, and one of zero per free source and day that it sent a lead.
-- A period is spread evenly over its days; the days sum to the entry exactly. Zero is unknown unless settings call the source free.
create table fct_spend as
with
entries as (
    select
        key3(r.store, r.system, r.spend_id) as spend_key,
        s.store_key,
        coalesce(src.source_key, 'no_source') as source_key,
        r.campaign,
        r.period_start,
        cast(r.amount as decimal(18, 6)) as amount,
        date_diff('day', r.period_start, r.period_end) + 1 as day_count,
        r.source_file,
        r.source_line
    from record_spend as r
    join dim_store as s using (store)
    left join (select distinct store, system, ref, source_key from source_ref) as src
        on src.store = r.store and src.system = r.system and src.ref = r.source
    where r.amount is not null
),
days as (
    select *, unnest(generate_series(1, day_count)) as nth from entries
),
spread as (
    select
        spend_key,
        store_key,
        source_key,
        campaign,
        period_start + cast(nth - 1 as integer) as day,
        cast(
            cast(amount * nth / day_count as decimal(18, 6)) - cast(amount * (nth - 1) / day_count as decimal(18, 6))
            as decimal(18, 6)
        ) as amount,
        source_file,
        source_line
    from days
),
free as (
    select key3('source', word_key(source), '') as source_key from setting_free_source
),
-- A free source costs an honest zero on each day that it sent a lead.
free_days as (
    select distinct
        key3(l.store_key, l.source_key, cast(l.day as varchar)) as spend_key,
        l.store_key,
        l.source_key,
        l.day,
        cast(0 as decimal(18, 6)) as amount
    from source_day as l
    join free using (source_key)
),
together as (
    select * from spread
    union all by name
    select * from free_days
),
final as (
    select
        *,
        sum(amount) over (partition by store_key, source_key, date_trunc('month', day)) > 0
        or source_key in (select source_key from free) as is_known
    from together
)
select * from final order by store_key, source_key, day, spend_key;

-- Grain: one row per store, source and month whose spend is known.
create temp table known_spend as
select distinct store_key, source_key, cast(date_trunc('month', day) as date) as month
from fct_spend
where is_known;
