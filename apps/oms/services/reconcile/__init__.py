"""Reconciliation: the exchange's state is applied, and remaining differences are recorded."""

from oms.services.reconcile.decide import ApplyDecision as ApplyDecision
from oms.services.reconcile.reconcile_account import ReconcileAccount as ReconcileAccount
