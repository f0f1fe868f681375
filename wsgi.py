"""What gunicorn and the flask command load."""

from webapp import create_app, logs

logs.init_logging()
app = create_app()
