-- Grain: one row per record of {table} that names a lead of the scope by name and day.
union all
select store, system, {key}
from all_{table}
where customer_name is not null and lead_created_on is not null
and (store, 'name:' || name_key(customer_name) || '|' || cast(lead_created_on as varchar)) in (
    select (store, mark) from scope_mark
)
