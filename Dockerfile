# One image for every process of the Procfile; `docker run` alone is the web process.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    dramatiq_queue_prefetch=8
WORKDIR /srv/studio

COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

COPY setup.cfg pyproject.toml README.md Procfile ./
COPY app app
COPY config config
COPY migrations migrations
COPY scheduler scheduler
COPY workers workers
RUN pip install --no-cache-dir --no-deps . && useradd --create-home studio \
    && install -d -o studio /var/lib/studio

USER studio
WORKDIR /var/lib/studio
ENV PORT=8999
EXPOSE 8999
CMD ["gunicorn", "-c", "python:config.gunicorn", "app:create_app()"]
