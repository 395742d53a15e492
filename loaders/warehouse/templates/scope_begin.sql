-- Grain: one row per lead that the changes may reach; filled step by step until no mark leads further.
create temp table scope_lead as
select key3(store, system, lead_id) as lead_key from changed_lead;

-- Grain: one row per lead and mark that it had in the last snapshot or has now.
create temp view mark_of_lead as
select store, mark, lead_key from previous.build.lead_mark
union all
select store, mark, lead_key from lead_mark;

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
    select store, mark, lead_key, name from previous.build.lead_mark semi join often using (store, mark)
),
now as (
    select * from before anti join scope_lead using (lead_key)
    union all
    select store, mark, lead_key, name from lead_mark semi join often using (store, mark)
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
