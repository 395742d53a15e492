-- Grain: one row per store, system and kind of id (lead, customer) that a text is in {table}.
select distinct store, system, '{kind}' as kind from canonical.{table} where {kind}_id = $natural_id
