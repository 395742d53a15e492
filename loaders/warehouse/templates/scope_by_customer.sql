-- Grain: one row per record of {table} that names a customer of the scope.
union all
select store, system, {key} from all_{table} semi join scope_customer_id using (store, customer_id)
