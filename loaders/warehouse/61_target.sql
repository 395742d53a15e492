-- Grain: one row per metric and store that has a target; an empty store_key stands for all stores.
create table target as
select case when store is null then '' else key3(store, '', '') end as store_key, metric, value
from setting_target
order by 1, 2;
