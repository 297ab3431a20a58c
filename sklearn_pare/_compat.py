"""Code for differences between the supported versions of the dependencies."""

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Replacement before scikit-learn 1.9, which has no callbacks."""

        def _init_callback_context(self, max_subtasks):
            return NoCallbacks()


class NoCallbacks:
    """Callback context of a fit without callbacks."""

    def subcontext(self, task_name):
        """Return the context of a task within this one."""
        return self

    def call_on_fit_task_begin(self, **kwargs):
        """Do nothing."""

    def call_on_fit_task_end(self, **kwargs):
        """Return False: training goes on."""
        return False
