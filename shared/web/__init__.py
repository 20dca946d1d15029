"""The edge of a service: HTTP in, HTTP out, pages. The only user of aiohttp.

A whole service in short::

    # issuer/config.py: the only file of the service that reads the environment
    class Settings(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
        batch: Annotated[int, Meta(ge=1, le=100, description="Copies of one document that a wallet gets at once.")] = 20

    def read(path: Path) -> Settings:
        return load(Settings, path, os.environ, "MUNIMENT_ISSUER")

    # issuer/app.py: the composition root
    async def make(settings: Settings) -> web.Application:
        storage = open_storage(settings.storage, failpoint=settings.failpoint)
        await storage.migrate([*auth.MIGRATIONS, *read_migrations("issuer", "issuer")])
        app = make_app("issuer", settings, storage=storage)      # middlewares, /health, /health/ready, /metrics
        use_auth(app, sign_in_path="/console/sign-in")           # sessions, passphrases, API keys, rate limits
        use_pages(app, package="issuer.web", title=N_("Make documents"), home="/console",
                  navigation=[Link(N_("Documents"), "/console/documents")])    # Jinja, /static, /errors, error pages
        speak(app, OAUTH, "/token", "/nonce", "/credential", "/.well-known")   # how errors are told; pages are the default
        app.router.add_post("/token", token)
        add_routes(app, ROUTES, title="Issuer", guard=require_scope)           # /api/…, /api/openapi.json, /api/docs
        return app

    run(make, settings)                                          # until SIGTERM

    # in handlers
    at, entropy, db = now(request), context.entropy(request), context.storage(request)
    fetched = await arun(flow, request.config_dict[FETCHER])     # the only door outwards
    raise Missing("…")                                           # problem.errors tells it in the dialect of the path
    return await render(request, "list.html", rows=rows)         # templates begin {% extends "layout.html" %}

A form: the template holds ``{{ hidden_token(form_token) }}``, the handler reads ``await read_form(request)``. After a post, answer with
``web.HTTPSeeOther``; to lead a person to a foreign address, show a page with a link (see ``security``).
"""
