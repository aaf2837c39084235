"""The message templates that a shop's flows need outside the messaging window, for services/templates to submit."""

from post_purchase.models import FlowStatus
from post_purchase.services.templates import TemplateSpec
from shopapp.models import Shop

from .definition import FlowDocument
from .editing import languages_of, published_document


def template_specs(shop: Shop) -> list[TemplateSpec]:
    """One for each template and language of the flows that are on, in the shop's languages."""
    found: dict[tuple[str, str], TemplateSpec] = {}
    for flow in shop.flows.filter(status=FlowStatus.ON, live_version__isnull=False).select_related("live_version"):
        for spec in specs_of(published_document(flow), languages_of(shop)):
            found.setdefault((spec.name, spec.language), spec)
    return list(found.values())


def specs_of(document: FlowDocument, languages: list[str]) -> list[TemplateSpec]:
    """`languages` empty: every language of the document."""
    specs = []
    for language, spoken in document.texts.items():
        if languages and language not in languages:
            continue
        for message, wording in spoken.messages.items():
            spec = document.messages.get(message)
            if spec is not None and spec.template is not None and wording.template:
                specs.append(
                    TemplateSpec(
                        name=spec.template.name,
                        language=language,
                        category=spec.template.category,
                        body=wording.template,
                        samples=[part.sample for part in spec.template.parameters],
                        names=[part.name for part in spec.template.parameters],
                    )
                )
    return specs
