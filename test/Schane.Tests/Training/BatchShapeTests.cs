using Schane.Training;

namespace Schane.Tests.Training;

public class BatchShapeTests
{
    [Theory]
    [InlineData(1000, 64, 4, 300, "batch 1000 is not classes-per-batch 64 × images-per-class 4 = 256; leave one of the three out.")]
    [InlineData(30, null, 4, 300, "batch 30 is not a whole number of classes with images-per-class 4 each; change one of them, or take --sampler shuffled.")]
    [InlineData(1024, null, 4, 40, "batch 1024 needs 256 classes with images-per-class 4 each, but the data have 40; raise --images-per-class, lower --batch, or take --sampler shuffled.")]
    public void A_balanced_batch_that_does_not_multiply_is_refused(int batch, int? classes, int images, int there, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() => BatchShape.ClassesPerBatch(new Recipe { Batch = batch, ClassesPerBatch = classes, ImagesPerClass = images }, there)).Message);

    [Theory]
    [InlineData(30, 4, null, 1, "A batch of 30 images is not 4 ranks × a whole number; make it 32, or use other ranks.")]
    [InlineData(1000, 1, 32, 1, "A batch of 1000 images = 1000 is not micro-batch 32 × a whole number; use --micro-batch 25, or a batch that 32 divides.")]
    [InlineData(64, 2, 24, 2, "A batch of 64 images × 2 views / 2 ranks = 64 is not micro-batch 24 × a whole number; use --micro-batch 16, or a batch that 24 divides.")]
    public void Ranks_and_micro_batches_that_do_not_divide_the_batch_are_refused_with_numbers_that_do(int images, int ranks, int? micro, int views, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() => BatchShape.Check(new Recipe { MicroBatch = micro, Views = views }, images, ranks)).Message);

    [Fact]
    public void A_batch_gives_its_classes_and_one_that_multiplies_is_let_pass()
    {
        Assert.Equal(256, BatchShape.ClassesPerBatch(new Recipe { Batch = 1024 }, 300));
        Assert.Equal(16, BatchShape.ClassesPerBatch(new Recipe(), 300));
        Assert.Equal(10, BatchShape.ClassesPerBatch(new Recipe(), 10));
        BatchShape.Check(new Recipe { MicroBatch = 32, Views = 2 }, 1024, 4);
        BatchShape.Check(new Recipe { MicroBatch = 32 }, 20);                              // one pass
    }

    [Fact]
    public void Accumulation_without_micro_batches_is_refused() =>
        Assert.Contains("--micro-batch", Assert.Throws<SchaneException>(() => BatchShape.Check(new Recipe { Accumulate = true }, 20)).Message);
}
