-- Grain: one row per customer of whom a CRM keeps names, e-mails and phones in lists apart from its leads.
create temp table customer_known as
select
    store,
    system,
    customer_id,
    arg_max(
        customer_name, struct_pack(at := coalesce(modified_at, exported_at), id := customer_detail_id)
    ) as customer_name,
    arg_max(email, struct_pack(at := coalesce(modified_at, exported_at), id := customer_detail_id)) as email,
    list(distinct phone order by phone) filter (where phone is not null) as phones
from record_customer_detail
group by store, system, customer_id;

-- Grain: one row per link of a record to a lead or customer by the CRM's own lists; by way of a deal where only that is named.
-- Without a kind the record may be of any table.
create temp table link_ref as
with
direct as (
    select store, system, linked_table as kind, linked_id as id, lead_id, customer_id
    from record_link
    where lead_id is not null or customer_id is not null
),
deals as (
    select store, system, id as sale_id, lead_id, customer_id
    from direct
    where coalesce(kind, 'sale') = 'sale'
    union
    select store, system, sale_id, lead_id, customer_id
    from record_sale
    where lead_id is not null or customer_id is not null
),
by_deal as (
    select l.store, l.system, l.linked_table as kind, l.linked_id as id, d.lead_id, d.customer_id
    from record_link as l
    join deals as d using (store, system, sale_id)
    union
    -- A move of a deal is its buyer's.
    select c.store, c.system, 'status_change', c.status_change_id, d.lead_id, d.customer_id
    from record_status_change as c
    join deals as d using (store, system, sale_id)
),
final as (
    select * from direct
    union
    select * from by_deal
)
select * from final;

-- Grain: one row per lead that the CRM's list of merges says went into another.
create temp table lead_merged as
select store, system, linked_id as lead_id, min(lead_id) as merged_into
from record_link
where linked_table = 'lead' and lead_id <> linked_id
group by store, system, linked_id;

-- Grain: one row per deal that says neither itself nor through its stage whether it was won.
create temp table deal_of_unknown_stage as
select d.store, d.sale_id, d.stage, d.source_file, d.source_line
from record_sale as d
left join record_stage as g on g.store = d.store and g.system = d.system and g.stage_id = d.stage
where d.stage is not null and d.is_won is null and g.is_won is null;

-- A deal counts where it, else its stage, says it was won; a record that knows neither is of a list of sold deals.
delete from record_sale as d
where not coalesce(
    d.is_won,
    (
        select g.is_won
        from record_stage as g
        where g.store = d.store and g.system = d.system and g.stage_id = d.stage
    ),
    d.stage is null
);

-- A deal that was merged into another that is still there is no second deal.
delete from record_sale as d
where exists (
    select 1
    from record_link as l
    join record_sale as kept on kept.store = l.store and kept.system = l.system and kept.sale_id = l.sale_id
    where
        l.linked_table = 'sale'
        and l.store = d.store
        and l.system = d.system
        and l.linked_id = d.sale_id
        and l.sale_id <> d.sale_id
);
