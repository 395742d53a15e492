-- Grain: one row per row of {schema}.{table} that names or reaches a customer.
select rowid as position, {columns} from {place}"{schema}"."{table}" where coalesce({personal}) is not null;
