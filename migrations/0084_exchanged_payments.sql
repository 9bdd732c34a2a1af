-- A payment in another currency than what it pays: what moved on the bank's account, and the rate it was exchanged by.

alter table payment
    add column if not exists paid_minor bigint check (paid_minor >= 0),
    add column if not exists paid_currency char(3),
    add column if not exists rate numeric check (rate > 0);
alter table payment drop constraint if exists payment_exchanged;
alter table payment add constraint payment_exchanged
    check (num_nulls(paid_minor, paid_currency, rate) in (0, 3) and paid_currency is distinct from currency);
-- Returns and second tellings are found by what the bank said.
create index if not exists payment_paid on payment (operator, paid_minor) where paid_minor is not null;
grant update (amount_minor, currency, paid_minor, paid_currency, rate) on payment to tollwright_app, tollwright_ingest;

alter table settlement drop constraint if exists settlement_kind_check;
alter table settlement add constraint settlement_kind_check
    check (kind in ('offset', 'write_off', 'rounding', 'refund', 'exchange'));
