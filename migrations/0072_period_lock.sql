-- The period lock: what the ledger holds up to a day stays as it is.

create table if not exists ledger_lock (
    operator int primary key references operator (id),
    locked_through date,              -- the last day of a month; null: unlocked again
    version int not null,
    locked_at timestamptz not null,
    client text not null
);

alter table ledger_lock enable row level security;
drop policy if exists own on ledger_lock;
create policy own on ledger_lock using (operator = app_operator()) with check (operator = app_operator());
grant select, insert, update on ledger_lock to tollwright_app;
grant select on ledger_lock to tollwright_ingest;

-- Nothing is booked in a locked month, whoever writes it.
create or replace function ledger_is_open() returns trigger language plpgsql as $$
begin
    if exists (select from booked b join ledger_lock l on l.operator = b.operator where b.booked_on <= l.locked_through) then
        raise exception 'the ledger is locked' using errcode = 'check_violation',
            constraint = 'ledger_entry_open', table = 'ledger_entry';
    end if;
    return null;
end $$;
drop trigger if exists ledger_entry_open on ledger_entry;
create trigger ledger_entry_open after insert on ledger_entry referencing new table as booked
    for each statement execute function ledger_is_open();

create index if not exists ledger_entry_booked on ledger_entry (operator, booked_on);

-- Kinds of what two people agree on are the program's words: there come more.
alter table approval_rule drop constraint if exists approval_rule_kind_check;
alter table approval_rule add constraint approval_rule_kind_check check (kind ~ '^[a-z_]{1,40}$');
