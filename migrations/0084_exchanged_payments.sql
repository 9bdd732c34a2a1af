-- What moved on the bank's account, where that is not the payment's own amount: it was paid in another currency, which was
-- exchanged by a rate, or the bank took a charge off it.

alter table payment
    add column if not exists paid_minor bigint check (paid_minor >= 0),
    add column if not exists paid_currency char(3),
    add column if not exists rate numeric check (rate > 0);
alter table payment drop constraint if exists payment_exchanged;
alter table payment add constraint payment_exchanged
    check (num_nulls(paid_minor, paid_currency, rate) in (0, 3));
-- Returns and second tellings are found by what the bank said.
create index if not exists payment_paid on payment (operator, paid_minor) where paid_minor is not null;
grant update (amount_minor, currency, paid_minor, paid_currency, rate) on payment to tollwright_app, tollwright_ingest;

alter table settlement drop constraint if exists settlement_kind_check;
alter table settlement add constraint settlement_kind_check
    check (kind in ('offset', 'write_off', 'rounding', 'refund', 'exchange'));
