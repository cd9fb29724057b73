namespace Schane.Tests.Tensors;

public class SampleRandomTests
{
    [Fact]
    public void The_same_key_gives_the_same_numbers_and_another_key_others()
    {
        var (a, b, c) = (new Schane.Tensors.SampleRandom(1, 2, 3), new Schane.Tensors.SampleRandom(1, 2, 3),
            new Schane.Tensors.SampleRandom(1, 3, 2));
        var first = a.NextBits();
        Assert.Equal(first, b.NextBits());
        Assert.NotEqual(first, c.NextBits());
    }
}
