// Finds the images of a folder that look most like one, by the embeddings of a trained run.
// FindSimilar RUN FOLDER IMAGE
using FindSimilar;
using Microsoft.Extensions.AI;
using Schane.Inference;

if (args is not [var run, var folder, var image])
{
    Console.Error.WriteLine("FindSimilar RUN FOLDER IMAGE");
    return 2;
}
using var classifier = Classifier.Load(run);
var generator = classifier.AsEmbeddingGenerator();

// Any store of Microsoft.Extensions.VectorData takes its place; this one is memory.
using var photos = new RecordsInMemory<string, Photo>("photos", photo => photo.Path, photo => photo.Vector, generator);
await photos.EnsureCollectionExistsAsync();
foreach (var some in ImageFiles.Find([folder]).Chunk(32))
{
    var contents = await Task.WhenAll(some.Select(path => DataContent.LoadFromAsync(path).AsTask()));
    var vectors = await generator.GenerateAsync(contents);
    await photos.UpsertAsync(some.Zip(vectors, (path, vector) => new Photo(path, vector.Vector)));
}
await foreach (var found in photos.SearchAsync(await DataContent.LoadFromAsync(image), top: 3))
    Console.WriteLine($"{found.Score:0.000} {found.Record.Path}");
return 0;
