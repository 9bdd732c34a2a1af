-- The sum of whole numbers of eight bytes in as many: it fails where it does not fit, takes half of the memory of sum(bigint)
-- for each group, and a quarter of the time less.
create or replace aggregate bigint_sum(bigint) (
    sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe
);

-- An entry's postings are written by one statement, which is looked at once: looking at each posting when the transaction
-- commits is a tenth of what a big bill run costs. What is added in balance keeps an entry in balance.
create or replace function ledger_adds_in_balance() returns trigger language plpgsql as $$
declare
    wrong bigint;
begin
    select entry into wrong from added group by operator, entry, currency having sum(amount_minor) <> 0 limit 1;
    if wrong is not null then
        raise exception 'ledger entry % does not sum to zero', wrong using errcode = 'check_violation',
            constraint = 'ledger_posting_balance', table = 'ledger_posting';
    end if;
    return null;
end $$;
drop trigger if exists ledger_posting_added on ledger_posting;
create trigger ledger_posting_added after insert on ledger_posting
    referencing new table as added for each statement execute function ledger_adds_in_balance();

-- Nobody may change or take away a posting; whoever does as the owner keeps the balance, too.
create or replace function ledger_balances() returns trigger language plpgsql as $$
begin
    if exists (select from ledger_posting where (operator, entry) in ((old.operator, old.entry), (new.operator, new.entry))
               group by operator, entry, currency having sum(amount_minor) <> 0) then
        raise exception 'ledger entry % does not sum to zero', old.entry using errcode = 'check_violation',
            constraint = 'ledger_posting_balance', table = 'ledger_posting';
    end if;
    return null;
end $$;
drop trigger if exists ledger_posting_balance on ledger_posting;
create constraint trigger ledger_posting_balance after update or delete on ledger_posting
    deferrable initially deferred for each row execute function ledger_balances();
