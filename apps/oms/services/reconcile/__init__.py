"""Reconciliation: what the exchange shows is applied, and what still differs is put to somebody."""

from oms.services.reconcile.decide import Deciding as Deciding
from oms.services.reconcile.sweep import Reconciling as Reconciling
