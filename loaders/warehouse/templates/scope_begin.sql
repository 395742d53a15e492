-- Grain: one row per lead that the changes may reach; filled step by step until no mark leads further.
create temp table scope_lead as
select key3(store, system, lead_id) as lead_key from changed_lead;

-- Grain: one row per lead and mark of `leads`, with the lead's name. Two phones that are the same are one mark.
create temp macro marks_of(leads) as table
select store, 'email:' || email_key as mark, lead_key, name from query_table(leads) where email_key is not null
union all
select store, 'phone:' || phone_key, lead_key, name from query_table(leads) where phone_key is not null
union all
select store, 'phone:' || phone_2_key, lead_key, name
from query_table(leads)
where phone_2_key is distinct from phone_key and phone_2_key is not null
union all
select store, 'id:' || lead_id, lead_key, name from query_table(leads)
union all
select store, 'id:' || merged_into, lead_key, name from query_table(leads) where merged_into is not null
union all
select store, 'customer id:' || customer_id, lead_key, name
from query_table(leads)
where not regexp_matches(customer_id, '^(0+|-1)$')
union all
select store, 'name:' || name || '|' || cast(created_on as varchar), lead_key, name
from query_table(leads)
where name is not null;

-- Grain: one row per lead and mark that it had in the last snapshot or has now.
create temp table mark_of_lead as
select *, true as is_before from marks_of('previous.build.lead_mark')
union all
select *, false from marks_of('lead_mark');

-- Grain: one row per e-mail or phone that joined nobody and still joins nobody: too many carry it. It leads nowhere.
create temp table shared_mark as
with
often as (
    select store, mark
    from mark_of_lead
    where starts_with(mark, 'email:') or starts_with(mark, 'phone:')
    group by store, mark
    having count(*) > least({max_names}, {max_leads})
),
before as (
    select store, mark, lead_key, name from mark_of_lead semi join often using (store, mark) where is_before
),
now as (
    select * from before anti join scope_lead using (lead_key)
    union all
    select store, mark, lead_key, name from mark_of_lead semi join often using (store, mark) where not is_before
)
select store, mark
from before
group by store, mark
having count(distinct name) > {max_names} or count(distinct lead_key) > {max_leads}
intersect
select store, mark
from now
group by store, mark
having count(distinct name) > {max_names} or count(distinct lead_key) > {max_leads};

-- Grain: one row per mark of which the leads are found already.
create temp table scope_mark (store varchar, mark varchar);
