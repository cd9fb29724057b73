using System.ComponentModel;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Schane.Data;
using Schane.Inference;
using Schane.Jobs;

namespace Schane.Server;

/// <summary>What the routes need.</summary>
internal sealed record Service(Classifier Classifier, MicroBatcher Batcher, TrainingExamples? Examples,
    ServeMetrics Metrics, string Model, bool NeedsKey, bool Explains)
{
    /// <summary>Images decoded at a time: as many as there are cores, since each may take 4 bytes a pixel of
    /// <see cref="ServeOptions.MaxPixels"/>.</summary>
    public SemaphoreSlim Decoders { get; } = new(Environment.ProcessorCount);
}

/// <summary>The routes of the server and what every answer carries.</summary>
internal static class Routes
{
    private const int MostNeighbours = 24;

    /// <summary>Refuses who may not ask, and turns errors into a status with one sentence.</summary>
    public static async Task Protect(HttpContext context, RequestDelegate next, Guard guard, ServeMetrics metrics)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        try
        {
            if (guard.Refusal(context.Request) is var (status, sentence))
                await Refuse(status, sentence).ConfigureAwait(false);
            else
                await next(context).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            metrics.Refused(StatusCodes.Status499ClientClosedRequest);    // nobody is left to be answered
        }
        catch (SchaneException e)
        {
            await Refuse(StatusCodes.Status400BadRequest, e.Message).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(e.StatusCode, e.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge =>
                    "The body is larger than this server takes; shrink the image, or start the server with --max-megabytes.",
                StatusCodes.Status408RequestTimeout => "The body came too slowly.",
                _ => "The request could not be read.",
            }).ConfigureAwait(false);
        }
        catch (InvalidDataException)
        {
            await Refuse(StatusCodes.Status400BadRequest, "The form could not be read; send multipart/form-data with files, or the " +
                "image itself as the body.").ConfigureAwait(false);
        }
        catch (QueueFullException)
        {
            headers.RetryAfter = "1";
            await Refuse(StatusCodes.Status429TooManyRequests,
                "Too many images are waiting; try again in a second.").ConfigureAwait(false);
        }
        catch (Exception)
        {
            await Refuse(StatusCodes.Status500InternalServerError,
                "The model could not answer; see the server's own output.").ConfigureAwait(false);
            throw;
        }

        Task Refuse(int status, string sentence)
        {
            metrics.Refused(status);
            return context.Response.HasStarted
                ? Task.CompletedTask : TypedResults.Problem(sentence, statusCode: status).ExecuteAsync(context);
        }
    }

    /// <summary>Says what is wrong with a request that reached no address of ours, or none that could read it.</summary>
    public static void Explain(ProblemDetailsContext problem) => problem.ProblemDetails.Detail ??= problem.ProblemDetails.Status switch
    {
        StatusCodes.Status400BadRequest => "A value in the address can't be read; top and neighbours are whole numbers, why is " +
            "true or false.",
        StatusCodes.Status404NotFound => "There is nothing at this address; /openapi/v1.json says what there is.",
        StatusCodes.Status405MethodNotAllowed => "This address takes another method; /openapi/v1.json says which.",
        _ => null,
    };

    public static void Map(WebApplication app, Service service)
    {
        app.MapPost("/predict", (HttpContext context,
            [Description("Classes of each answer; 5 by default.")] int? top,
            [Description("Nearest training images of each, at most 24; 0 by default.")] int? neighbours,
            [Description("Whether to show where in the image the most probable class was seen; false by default.")] bool? why) =>
            Predict(context, service, top ?? 5, neighbours ?? 0, why ?? false))
            .Accepts<IFormFileCollection>("multipart/form-data", "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp",
                "application/octet-stream", "*/*")
            .Produces<PredictAnswer>().ProducesProblem(400).ProducesProblem(401).ProducesProblem(413).ProducesProblem(429)
            .WithSummary("Names the most probable classes of images, sent as they are or as files of a form.");
        app.MapPost("/embed", (Delegate)((HttpContext context) => Embed(context, service)))
            .Accepts<IFormFileCollection>("multipart/form-data", "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp",
                "application/octet-stream", "*/*")
            .Produces<EmbedAnswer>().ProducesProblem(400).ProducesProblem(401).ProducesProblem(413).ProducesProblem(429)
            .WithSummary("Gives the embeddings of images.");
        app.MapGet("/healthz", () => TypedResults.Ok(new Health("ready", service.Model, service.Classifier.Classes.Count, service.NeedsKey,
            service.Examples is not null, service.Explains)))
            .WithSummary("Says that the model is ready.");
        app.MapGet("/examples/{index:int}", Results<FileContentHttpResult, NotFound> (int index) =>
            service.Examples?.Thumbnail(index) is { } webp ? TypedResults.File(webp, "image/webp") : TypedResults.NotFound())
            .WithSummary("A training image, where they may be shown.");
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapOpenApi();
        foreach (var (path, name, type) in ((string, string, string)[])[("/", "page.html", "text/html"),
            ("/page.css", "page.css", "text/css"), ("/page.js", "page.js", "text/javascript")])
            app.MapGet(path, () => TypedResults.Stream(typeof(Routes).Assembly.GetManifestResourceStream(name)!, $"{type}; charset=utf-8"))
                .ExcludeFromDescription();
    }

    private static async Task<Ok<PredictAnswer>> Predict(HttpContext context, Service service, int top, int neighbours, bool why)
    {
        if (top < 1)
            throw new SchaneException($"top must be at least 1 but is {top}.");
        if (neighbours is < 0 or > MostNeighbours)
            throw new SchaneException($"neighbours must lie between 0 and {MostNeighbours} but is {neighbours}.");
        var answers = await Answers(context, service, top, why).ConfigureAwait(false);
        return TypedResults.Ok(new PredictAnswer([.. answers.Select(a => new ImageAnswer(a.Image, a.Class, a.Unknown, a.Distance, a.Top,
            neighbours > 0 ? service.Examples?.Nearest(a.Embedding, neighbours) : null,
            a.Why is { } image ? Convert.ToBase64String(ImageEncoder.WebP(image)) : null)
        { Classes = a.Classes })]));
    }

    private static async Task<Ok<EmbedAnswer>> Embed(HttpContext context, Service service) =>
        TypedResults.Ok(new EmbedAnswer(
            [.. (await Answers(context, service, 1, why: false).ConfigureAwait(false))
                .Select(a => new ImageEmbedding(a.Image, a.Embedding!))]));

    private static async Task<Prediction[]> Answers(HttpContext context, Service service, int top, bool why)
    {
        var bodies = await Bodies(context).ConfigureAwait(false);
        var since = Stopwatch.GetTimestamp();
        var images = new PreparedImage[bodies.Count];
        for (var i = 0; i < images.Length; i++)
            images[i] = await Decoded(bodies[i], service, context.RequestAborted).ConfigureAwait(false);
        var waiting = images.Select(image => service.Batcher.TryPredict(image, top, why) ?? throw new QueueFullException()).ToArray();
        var answers = await Task.WhenAll(waiting).ConfigureAwait(false);
        service.Metrics.Answered(answers.Length, since);
        return answers;
    }

    private static async Task<PreparedImage> Decoded((string Name, ReadOnlyMemory<byte> Bytes) body,
        Service service, CancellationToken cancel)
    {
        await service.Decoders.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return service.Classifier.Prepare(body.Bytes.Span, body.Name);
        }
        finally
        {
            service.Decoders.Release();
        }
    }

    private static async Task<List<(string Name, ReadOnlyMemory<byte> Bytes)>> Bodies(HttpContext context)
    {
        // Whatever else is said of the body, curl's form-urlencoded for one: what it holds decides.
        if (context.Request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) != true)
            return [("image", await All(context.Request.Body, context.RequestAborted).ConfigureAwait(false))];
        var form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        if (form.Files.Count == 0)
            throw new SchaneException("The form holds no file; send each image as a file of multipart/form-data.");
        var bodies = new List<(string, ReadOnlyMemory<byte>)>();
        foreach (var file in form.Files)
        {
            await using var stream = file.OpenReadStream();
            bodies.Add((Printable.Escape(file.FileName), await All(stream, context.RequestAborted).ConfigureAwait(false)));
        }
        return bodies;
    }

    private static async Task<ReadOnlyMemory<byte>> All(Stream stream, CancellationToken cancel)
    {
        var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, cancel).ConfigureAwait(false);
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }
}

/// <summary>As many images wait as may.</summary>
internal sealed class QueueFullException : Exception;
