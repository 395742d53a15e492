-- Grain: one row per store and calendar day, from 2000-01-01 to the end of the year after next.
-- A day without opening hours, or a holiday, is closed: opens_at and closes_at are null.
create table dim_date as
with
days as (
    select cast(unnest(generate_series(
        date '2000-01-01',
        make_date(cast(year((select loaded_at from build)) + 2 as bigint), 12, 31),
        interval 1 day
    )) as date) as day
),
hours as (
    select s.store_key, s.time_zone, d.day, h.opens, h.closes
    from days as d
    cross join dim_store as s
    left join setting_holiday as off on off.store = s.store and off.day = d.day
    left join setting_hours as h
        on h.store = s.store and h.weekday = isodow(d.day) and off.day is null
),
moments as (
    select
        store_key,
        day,
        timezone(time_zone, cast(day as timestamp)) as starts_at,
        timezone(time_zone, cast(day as timestamp) + opens) as opens_at,
        timezone(time_zone, cast(day as timestamp) + closes) as closes_at
    from hours
),
final as (
    select
        store_key,
        day,
        starts_at,
        opens_at,
        closes_at,
        cast(coalesce(
            sum(epoch(closes_at) - epoch(opens_at)) over (
                partition by store_key order by day rows between unbounded preceding and 1 preceding
            ), 0
        ) as bigint) as open_seconds_before
    from moments
)
select * from final order by store_key, day;
