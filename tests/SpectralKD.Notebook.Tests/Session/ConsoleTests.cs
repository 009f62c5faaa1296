namespace SpectralKD.Notebook.Tests.Session;

/// <summary>Takes the console away from the whole process, so nothing else may run meanwhile.</summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ConsoleTests
{
    private const string Name = "console";

    [Fact]
    public async Task A_cell_that_keeps_the_console_to_itself_does_not_silence_the_next()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Empty((await notebook.RunAsync("var mine = new StringWriter(); Console.SetOut(mine); Console.Write(\"kept\");")).Out);
        Assert.Equal("kept heard", (await notebook.RunAsync("Console.Write($\"{mine} heard\");")).Out);
    }
}
