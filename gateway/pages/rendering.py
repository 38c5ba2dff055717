"""Templates: one compiled environment, with what every page needs at hand.

No view touches Flask to render: refusals are rendered by the front outside any request of Flask.
Everything put into a template is escaped unless a template says otherwise; no view hands in markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, Template
from typing_extensions import override

from gateway.pages import local_time

if TYPE_CHECKING:
    from gateway.pages.page_services import Brand

# Goes with the header; browsers colour their own frame with it.
THEME_COLOUR = "#17324d"


class _Template(Template):
    """A template that leaves nothing of a page to the collector.

    What a page names while it is made (its macros) holds what it is made of, and is held by it:
    some fifty objects a page, with all that was put in. A page that outlived one collection, as its
    thread was amid it, would stay in memory for hours.
    """

    @override
    def render(self, *args: Any, **values: Any) -> str:
        context = self.new_context(dict(*args, **values))
        try:
            return self.environment.concat(self.root_render_func(context))
        except Exception:  # noqa: BLE001 -- it is raised again, with the lines of the template
            self.environment.handle_exception()
        finally:
            context.vars.clear()
            context.blocks.clear()


class _Environment(Environment):
    template_class = _Template


class Renderer:
    """Compiles and fills the templates. One a worker; threads may share it."""

    def __init__(self, *, brand: Brand, static_path: str) -> None:
        """Prepare the environment.

        Args:
            brand: what the pages call the service and whose it is.
            static_path: where style sheets and scripts are, without a slash at the end.
        """
        self._environment = _Environment(
            loader=ChoiceLoader(
                [
                    PackageLoader("gateway.pages"),
                    PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
                ]
            ),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            brand=brand, static_path=static_path, theme_colour=THEME_COLOUR
        )
        self._environment.filters.update(
            clock=local_time.clock,
            day=local_time.day,
            day_and_time=local_time.day_and_time,
            exact_time=local_time.exact_time,
            machine_time=local_time.machine_time,
        )

    def template(self, name: str) -> Template:
        """Give a compiled template, such as `portal.html`."""
        return self._environment.get_template(name)

    def render(self, name: str, **values: object) -> str:
        """Fill a template."""
        return self.template(name).render(**values)
