-- Grain: no rows; the words that the other files share.

-- A key: the same text for the same parts for ever.
create temp macro key3(a, b, c) as left(md5(a || e'\x1f' || b || e'\x1f' || c), 16);

-- A word without case or spacing: "Cars  Online" and "cars online" are one source.
create temp macro word_key(word) as lower(trim(regexp_replace(word, '\s+', ' ', 'g')));

-- The words of a name in one order, without case or what stands between them; null where it has none.
-- (array_to_string would name its list twice: a pattern of all letters takes a millisecond to compile each time.)
create temp macro sorted_words(name, word) as
    list_aggregate(list_sort(regexp_extract_all(translate(lower(name), 'ς''`’', 'σ'), word)), 'string_agg', ' ');

-- A customer's name by its letters: "Lee, Ana" and "Ana Lee" are one name, so are "O'Dell" and "ODell".
-- Of a name that was erased, its pseudonym; in a warehouse from which somebody was erased, that of every name, so that
-- they still meet (loaders/pseudonyms.py).
create temp macro name_key(name) as
    case
        when starts_with(name, '(erased)') then name[10:]
        when getvariable('erasure_secret') is null then coalesce(sorted_words(name, '\p{L}+'), '')
        else coalesce(
            left(
                sha256(
                    cast(getvariable('erasure_secret') as varchar)
                    || e'\x1fname\x1f'
                    || sorted_words(name, '\p{L}+')
                ),
                24
            ),
            ''
        )
    end;

-- A name, e-mail or phone as people see it: nothing of a pseudonym.
create temp macro shown_name(name) as case when starts_with(name, '(erased)') then '(erased)' else name end;
create temp macro shown_contact(cell) as
    case when not regexp_matches(cell, '^(\(erased\)|erased-[0-9a-f]{24}@)') then cell end;

-- An employee's name, in which digits count: "Internet 1" and "Internet 2" are two people, so are the ids 1042 and 1043.
create temp macro staff_key(name) as coalesce(sorted_words(name, '[\p{L}\p{N}]+'), lower(trim(name)));

-- A name made of test words and nothing else ("Test Test", "Dealer Test", "TEST LEAD - do not call"): never "Ana Testa", "Tim Test".
create temp macro is_test_name(name) as
    contains(lower(name), 'test') and regexp_full_match(
        lower(name),
        '[^a-z]*((test|tests|testing|testlead|dealer|dealership|customer|lead|adf|xml|crm|internet|website|web|sales|user'
        || '|name|first|last|please|ignore|delete|only|this|is|email|phone|form|submission|account|demo|sample'
        || '|do[^a-z]+not[^a-z]+(call|contact|reply|use|work)|not[^a-z]+(a[^a-z]+)?real)([^\p{L}]+|$))+'
    ) and regexp_matches(lower(name), '(^|[^\p{L}])(test|tests|testing|testlead)([^\p{L}]|$)');

-- An e-mail that only somebody who tries the form out would give: test@, test.lead2@, dealertest@, anything at test.com.
create temp macro is_test_email(email) as
    contains(lower(email), 'test') and regexp_matches(
        lower(email),
        '(^|[\s<:])(tests?|testing|test[._+-]?(lead|user|customer|dealer|account|email|er)?[0-9]*'
        || '|(dealer|adf|lead|crm)[._-]?test[0-9]*)@|@(test|testing|testlead)\.[a-z]+\W*$|\.test\W*$'
    );

-- Seconds a store had been open at a moment, from the calendar row of the latest day begun by then.
create temp macro open_seconds(moment, opens_at, closes_at, open_seconds_before) as
    cast(
        open_seconds_before
        + case
            when opens_at is null then 0
            else floor(greatest(0, epoch(least(moment, closes_at)) - epoch(opens_at)))
        end as bigint
    );

-- Whole seconds from one moment to another; calendar days where either is only a date; null when the second comes first.
create temp macro seconds_between(first_at, second_at, first_on, second_on, is_by_day) as
    case
        when second_at is null then null
        when coalesce(is_by_day, false)
            then case when second_on >= first_on then cast(date_diff('day', first_on, second_on) as bigint) * 86400 end
        when second_at >= first_at then cast(floor(epoch(second_at) - epoch(first_at)) as bigint)
    end;

-- Whole seconds between two times of day; null when the second comes first.
create temp macro seconds_after(first_at, second_at) as
    case when second_at >= first_at then cast(floor(epoch(second_at) - epoch(first_at)) as bigint) end;
