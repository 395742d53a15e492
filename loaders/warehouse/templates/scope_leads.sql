-- Grain: adds the leads that carry a mark of the scope, or were of one customer with a lead of it.
insert into scope_lead
select distinct lead_key
from mark_of_lead
semi join scope_mark using (store, mark)
anti join scope_lead using (lead_key);

insert into scope_lead
select distinct b.lead_key
from previous.bridge_customer_lead as b
where b.customer_key in (
    select c.customer_key from previous.bridge_customer_lead as c semi join scope_lead using (lead_key)
)
and b.lead_key not in (select lead_key from scope_lead);

insert into scope_mark
select distinct store, mark
from mark_of_lead
semi join scope_lead using (lead_key)
anti join scope_mark using (store, mark)
anti join shared_mark using (store, mark);
