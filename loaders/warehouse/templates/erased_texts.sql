-- Grain: one row per row of {schema}.{table}: the texts that may tell of a customer.
select rowid as position, {columns} from previous."{schema}"."{table}";
