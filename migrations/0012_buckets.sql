-- Rings and buckets. What an event took stands in usage_share, with the version of the event it belongs to, and a reversal
-- has it negative: the sum over versions is the truth. The balances are running sums of it, claimed by customer.

-- Groups of customers, for discount rings.
create table if not exists customer_group (
    operator int not null,
    customer bigint not null,
    name text not null check (char_length(name) between 1 and 100),
    valid_from timestamptz not null,
    valid_to timestamptz,
    check (valid_to is null or valid_to > valid_from),
    primary key (operator, customer, name, valid_from),
    constraint customer_group_overlap exclude using gist
        (operator with =, customer with =, name with =, tstzrange(valid_from, valid_to) with &&),
    foreign key (operator, customer) references customer (operator, id)
);
create or replace trigger subscriber_change after insert or update or delete on customer_group
    for each statement execute function note_subscriber_change();

-- The groups that a subscription's customer was in are part of what it was rated by.
alter table pricing add column if not exists groups text[] not null default '{}';
alter table pricing drop constraint if exists pricing_operator_retail_tiers_wholesale_cost_key;
create unique index if not exists pricing_identity on pricing (operator, retail, tiers, wholesale, cost, groups) nulls not distinct;

-- Who draws: its row is locked by whoever draws for the customer. Usage that starts before settled_until, in chunks up to
-- settled_horizon, has its final draws; what comes after draws behind it.
create table if not exists draw_customer (
    operator int not null,
    customer bigint not null,
    settled_until timestamptz,
    settled_horizon bigint not null default 0,
    primary key (operator, customer),
    foreign key (operator, customer) references customer (operator, id)
);

-- The last event of each subscription that drew or might have, in the order of drawing. Disordered: one came after it
-- that stands before it.
create table if not exists draw_party (
    operator int not null,
    customer bigint not null,
    contract bigint not null,
    subscription bigint not null,
    last_start timestamptz not null,
    last_offset bigint not null,
    last_name text not null,
    disordered boolean not null default false,
    primary key (operator, customer, subscription),
    foreign key (operator, customer) references draw_customer (operator, customer)
);
create index if not exists draw_party_disordered on draw_party (operator, customer) where disordered;

-- What a bucket has granted to an owner for a period, and what was drawn of it and rolled away: units, or micro-units.
create table if not exists bucket_balance (
    operator int not null,
    customer bigint not null,
    bucket text not null,
    owner text not null,
    since timestamptz not null,
    until timestamptz not null,
    unit text not null,
    granted bigint not null check (granted >= 0),
    drawn bigint not null check (drawn >= 0),
    primary key (operator, customer, bucket, owner, since),
    foreign key (operator, customer) references draw_customer (operator, customer)
);
create table if not exists bucket_loss (
    operator int not null,
    customer bigint not null,
    bucket text not null,
    owner text not null,
    since timestamptz not null,
    at timestamptz not null,
    amount bigint not null check (amount >= 0),  -- 0: the cap was not passed
    primary key (operator, customer, bucket, owner, since, at),
    foreign key (operator, customer) references draw_customer (operator, customer)
);

-- What a ring has counted. slot: 0 retail, 1… wholesale tiers with a list, -1 cost.
create table if not exists ring_volume (
    operator int not null,
    customer bigint not null,
    subscription bigint not null,
    ring text not null,
    slot smallint not null,
    counted bigint not null,
    primary key (operator, customer, subscription, ring, slot),
    foreign key (operator, customer) references draw_customer (operator, customer)
);

-- What rings took off an event (micro-units, with their sign), what buckets gave it (units or micro-units; remaining: what
-- they had left then), and what it added to a ring's volume (remaining: what was counted before).
create table if not exists usage_share (
    operator int not null,
    start timestamptz not null,
    source int not null,
    key bigint not null,
    version smallint not null,
    chunk bigint not null,
    customer bigint not null,
    subscription bigint not null,
    kind text not null check (kind in ('ring', 'bucket', 'volume')),
    slot smallint not null,
    name text not null,
    owner text,                       -- of a bucket
    since timestamptz,                -- of a bucket: the beginning of the period it was granted for
    amount bigint not null,
    remaining bigint
) partition by range (start);
create index if not exists usage_share_event on usage_share (operator, start, source, key);

create or replace function usage_partition(month date) returns void language plpgsql security definer
    set search_path = pg_catalog, public as $$
declare
    parent text;
    partition text;
    made boolean;
begin
    foreach parent in array array['usage', 'usage_share'] loop
        partition := format('%s_%s', parent, to_char(date_trunc('month', month), 'YYYY_MM'));
        made := false;
        -- By query and not by to_regclass, whose cache would not see what another session made while this one waited.
        for attempt in 1..2 loop
            if exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                    where i.inhparent = format('public.%I', parent)::regclass and c.relname = partition) then
                made := true;
                exit;
            end if;
            perform pg_advisory_xact_lock(hashtext('usage_partition'));
        end loop;
        if not made then
            execute format('create table public.%I (like public.%I including all)', partition, parent);
            execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, partition,
                date_trunc('month', month)::timestamp at time zone 'UTC',
                (date_trunc('month', month) + interval '1 month')::timestamp at time zone 'UTC');
        end if;
    end loop;
end $$;

-- The months that are there already.
do $$
declare
    name text;
begin
    for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'public.usage'::regclass loop
        perform usage_partition(to_date(right(name, 7), 'YYYY_MM'));
    end loop;
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['customer_group', 'draw_customer', 'draw_party', 'bucket_balance', 'bucket_loss', 'ring_volume',
        'usage_share'] loop
        execute format('alter table %I enable row level security', name);
        execute format('drop policy if exists own on %I', name);
        execute format('create policy own on %I using (operator = app_operator() and exists (select from customer c '
            'where c.operator = %I.operator and c.id = %I.customer)) with check (operator = app_operator())', name, name, name);
    end loop;
end $$;

grant select on customer_group, draw_customer, draw_party, bucket_balance, bucket_loss, ring_volume, usage_share to tollwright_app;
grant insert, update, delete on customer_group to tollwright_app;
grant select, insert, update on customer_group, draw_customer, draw_party, bucket_balance, ring_volume to tollwright_ingest;
grant select, insert, update, delete on bucket_loss to tollwright_ingest;
grant select, insert on usage_share to tollwright_ingest;
