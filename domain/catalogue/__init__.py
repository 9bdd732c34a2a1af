"""The catalogue: what things cost, as people write it, before it is compiled for rating.

Words: a *destination* is a named set of number prefixes; a *price list* holds *rates* and inherits from its *parent*; a
*rate* has *steps* (prices by position inside the event) or *adjusts* what lists further up say; a *band* is a recurring
part of the local week; a *ring* discounts, a *bucket* gives units or money away; a *party* is whoever is rated.

Invariants (``document.read_tariff`` refuses anything else, whole, with every fault and its place):
- every name that is used is defined, no list is its own ancestor, a list has its parent's currency;
- at one time one prefix belongs to one destination, one number to one party, and no two rates of a list are equal in
  ``to``, ``from``, ``zone``, ``band``, ``mode`` and ``direction``;
- money is an exact decimal: prices and limits in nano-units (10⁻⁹), ``price × per < 2⁶³``.

It does not decide which rate wins or what an event costs: that is ``domain.rating``.
"""
