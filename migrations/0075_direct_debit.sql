-- Who pays by direct debit; without a mandate that holds, his bill is parked.
alter table customer add column if not exists direct_debit boolean not null default false;
